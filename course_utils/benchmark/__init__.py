"""How fast the course's ``fit`` is, beside the ``Trainer`` of transformers: ``course bench``.

``turns`` runs the benchmark and ``report`` makes its figures; ``measure``, ``data`` and ``timed_run`` are its parts.
"""
