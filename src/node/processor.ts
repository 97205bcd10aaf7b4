/** Which processor this is, as far as it decides how the last digits of a network's numbers are rounded. Linux tells its vector units; elsewhere the name must do. */
import { readFileSync } from 'node:fs';
import { arch, cpus } from 'node:os';

/** Units for which ONNX Runtime has kernels of their own: another kernel adds the same numbers up in another order. */
const vectorUnits = [
  'avx', 'avx2', 'fma', 'avx_vnni', 'avx512f', 'avx512vl', 'avx512_vnni', 'avx512_bf16', 'amx_tile', 'amx_int8',
  'asimd', 'asimddp', 'i8mm', 'bf16', 'sve',
]; // prettier-ignore

let known: string | null = null;

/** For example `x64, AMD EPYC: avx avx2 fma`. */
export function processorName(): string {
  known ??= `${arch()}, ${cpus()[0]?.model.trim() ?? 'unknown'}: ${presentUnits(cpuInfo()).join(' ')}`;
  return known;
}

/** @param cpuInfo text of /proc/cpuinfo */
export function presentUnits(cpuInfo: string): string[] {
  const flags = new Set((/^(?:flags|Features)\s*:(.*)$/m.exec(cpuInfo)?.[1] ?? '').trim().split(/\s+/));
  return vectorUnits.filter((unit) => flags.has(unit));
}

function cpuInfo(): string {
  try {
    return readFileSync('/proc/cpuinfo', 'utf8');
  } catch {
    return '';
  }
}
