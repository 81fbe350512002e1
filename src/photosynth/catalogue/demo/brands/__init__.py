"""The demo brands, all invented: one file a brand, each a shape and what is printed on it."""
