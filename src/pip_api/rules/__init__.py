"""What does policing ask? Pure functions over plain values: no SQL, no HTTP, no clock."""
