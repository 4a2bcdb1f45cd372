"""Facts of Linux and of the hardware, as data with their sources. Every witness may read them; nothing counts here."""
