"""Building an emitted file, and running it: on a GPU, or on the host by the emulator."""
