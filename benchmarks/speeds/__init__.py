"""The rows of the speed benchmark, and what times, checks and reports them."""
