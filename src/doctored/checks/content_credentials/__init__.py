"""What a C2PA manifest store says, and what may be concluded from it; nothing here imports c2pa."""
