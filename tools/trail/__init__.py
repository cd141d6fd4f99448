"""Following the trail from passage to passage."""
