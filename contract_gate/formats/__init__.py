"""Bank files become frozen records, or are refused whole (business-formats §1). Pure."""
