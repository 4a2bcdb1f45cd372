"""What a reader is asked and shown: questions, panels, the sandbox, problem sets, errata."""
