"""Recipe to concrete scenes: one sampler idea in each file, put together in scene.py."""
