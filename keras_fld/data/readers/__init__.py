"""A module for each dataset, which reads its released files as `FaceSet`s."""
