"""States of all three witnesses as pictures and films; nothing here counts or asks."""
