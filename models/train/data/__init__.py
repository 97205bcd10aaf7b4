"""Training data: real sequences, composites cut from real stills, procedural surgery and echo, drawn prompts."""
