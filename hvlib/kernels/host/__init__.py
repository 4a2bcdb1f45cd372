"""From a pile of text about a host to an answer: intake, forms, hosts, conclusions, words. Data until the last."""
