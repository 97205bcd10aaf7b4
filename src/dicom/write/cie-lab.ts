/** Colours as DICOM stores them for display: CIELab at D50, each part over the whole of 16 bits (PS3.3 C.10.7.1.1). Pure. */

/** @param rgb sRGB, 0..255 each */
export function cieLab(rgb: readonly [red: number, green: number, blue: number]): [number, number, number] {
  const [r, g, b] = rgb.map((part) => {
    const value = part / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  // sRGB to XYZ, adapted from D65 to D50 (Bradford), over the white of D50.
  const x = (0.4360747 * r + 0.3850649 * g + 0.1430804 * b) / 0.96422;
  const y = 0.2225045 * r + 0.7168786 * g + 0.0606169 * b;
  const z = (0.0139322 * r + 0.0971045 * g + 0.7141733 * b) / 0.82521;
  const f = (t: number): number => (t > 216 / 24389 ? Math.cbrt(t) : (t * (24389 / 27) + 16) / 116);
  const scaled = (value: number, lowest: number, highest: number): number =>
    Math.max(0, Math.min(65_535, Math.round(((value - lowest) / (highest - lowest)) * 65_535)));
  return [
    scaled(116 * f(y) - 16, 0, 100),
    scaled(500 * (f(x) - f(y)), -128, 127),
    scaled(200 * (f(y) - f(z)), -128, 127),
  ];
}
