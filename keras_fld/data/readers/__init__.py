"""Readers of the released files of each dataset, one module each. They return `FaceSet`s."""
