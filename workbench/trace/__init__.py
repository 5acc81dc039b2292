"""What happened: events, their stored form, the store, search and export."""
