"""The back ends of ``recorder.store.Store``; nothing else."""
