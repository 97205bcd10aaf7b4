/** Smooth noise for the procedural scenes. Pure. */

export function smoothstep(from: number, to: number, value: number): number {
  const t = Math.min(1, Math.max(0, (value - from) / (to - from)));
  return t * t * (3 - 2 * t);
}

/**
 * Value noise in 0..1 on a width × height grid: random lattice of `cell` pixels, smooth interpolation,
 * `octaves` layers of half the cell and half the weight each.
 */
export function valueNoise(
  random: () => number,
  width: number,
  height: number,
  cell: number,
  octaves: number,
): Float32Array {
  const out = new Float32Array(width * height);
  let weight = 1;
  let total = 0;
  let size = cell;
  for (let octave = 0; octave < octaves && size >= 1; octave += 1) {
    addLayer(out, random, width, height, size, weight);
    total += weight;
    weight /= 2;
    size /= 2;
  }
  for (let i = 0; i < out.length; i += 1) out[i] = (out[i] ?? 0) / total;
  return out;
}

function addLayer(
  out: Float32Array,
  random: () => number,
  width: number,
  height: number,
  cell: number,
  weight: number,
): void {
  const columns = Math.ceil(width / cell) + 2;
  const rows = Math.ceil(height / cell) + 2;
  const lattice = new Float32Array(columns * rows);
  for (let i = 0; i < lattice.length; i += 1) lattice[i] = random();
  const columnOf = new Int32Array(width);
  const columnBlend = new Float32Array(width);
  for (let x = 0; x < width; x += 1) {
    const position = x / cell;
    columnOf[x] = Math.floor(position);
    const t = position - Math.floor(position);
    columnBlend[x] = t * t * (3 - 2 * t);
  }
  for (let y = 0; y < height; y += 1) {
    const position = y / cell;
    const row = Math.floor(position);
    const t = position - row;
    const rowBlend = t * t * (3 - 2 * t);
    const upper = row * columns;
    const lower = upper + columns;
    for (let x = 0; x < width; x += 1) {
      const c = columnOf[x] ?? 0;
      const b = columnBlend[x] ?? 0;
      const top = (lattice[upper + c] ?? 0) * (1 - b) + (lattice[upper + c + 1] ?? 0) * b;
      const bottom = (lattice[lower + c] ?? 0) * (1 - b) + (lattice[lower + c + 1] ?? 0) * b;
      out[y * width + x] = (out[y * width + x] ?? 0) + weight * (top * (1 - rowBlend) + bottom * rowBlend);
    }
  }
}
