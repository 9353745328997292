"""The mission: one file a noun, with its fields, its row, its rules and its special verbs."""
