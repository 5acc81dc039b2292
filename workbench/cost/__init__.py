"""What it costs: prices, the meter, the fuse, the projection."""
