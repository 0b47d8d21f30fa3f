"""Values of circuits, in any arithmetic."""
