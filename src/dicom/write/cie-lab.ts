/** Colours as DICOM stores them for display: CIELab at D50, each part over the whole of 16 bits (PS3.3 C.10.7.1.1). Pure. */

/** The other way round, as #rrggbb; what lies outside sRGB is the nearest that lies in it. */
export function rgbOfCieLab([l, a, b]: readonly [lightness: number, a: number, b: number]): string {
  const part = (value: number, lowest: number, highest: number): number =>
    lowest + (value / 65_535) * (highest - lowest);
  const y = (part(l, 0, 100) + 16) / 116;
  const white = (f: number): number => (f ** 3 > 216 / 24389 ? f ** 3 : (116 * f - 16) / (24389 / 27));
  const X = white(y + part(a, -128, 127) / 500) * 0.96422;
  const Y = white(y);
  const Z = white(y - part(b, -128, 127) / 200) * 0.82521;
  // XYZ at D50 to linear sRGB (the inverse of the matrix below).
  const linear = [
    3.1338561 * X - 1.6168667 * Y - 0.4906146 * Z,
    -0.9787684 * X + 1.9161415 * Y + 0.033454 * Z,
    0.0719453 * X - 0.2289914 * Y + 1.4052427 * Z,
  ];
  const bytes = linear.map((value) => {
    const coded = value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055;
    return Math.max(0, Math.min(255, Math.round(coded * 255)));
  });
  return `#${bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}

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
