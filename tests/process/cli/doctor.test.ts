/** `sonoscope doctor` on this machine: it names what is there and why something is not used. */
import { describe, expect, it } from 'vitest';
import type { Finding } from '../../../src/cli/doctor.js';
import { runCli } from './cli.js';

describe('doctor', () => {
  it('examines GStreamer, models and providers, for programs', async () => {
    const { stdout, code } = await runCli(['doctor', '--json']);
    const { findings } = JSON.parse(stdout) as { findings: Finding[] };
    const find = (what: string) => findings.find((finding) => finding.what === what);
    expect(find('GStreamer')).toMatchObject({ status: 'ok' });
    expect(find('FFmpeg')).toMatchObject({ status: 'ok' });
    expect(find('gstreamer-superficial')).toMatchObject({ status: 'ok' });
    expect(findings.some(({ what, status }) => what.startsWith('model ') && status === 'ok')).toBe(true);
    expect(find('provider cpu')).toMatchObject({ status: 'ok' });
    for (const provider of ['cuda', 'tensorrt', 'webgpu']) {
      const finding = find(`provider ${provider}`);
      // Usable or not, but never silent about it.
      expect(finding?.detail.length).toBeGreaterThan(10);
    }
    expect(code).toBe(findings.some(({ status }) => status === 'missing') ? 5 : 0);
  });

  it('says what is missing where GStreamer is not to be found', async () => {
    const { stdout, stderr, code } = await runCli(['doctor'], { PATH: '/nowhere' });
    expect(stdout).toMatch(/MISSING\s+GStreamer/);
    expect(stdout).toMatch(/MISSING\s+FFmpeg/);
    expect(stderr).toMatch(/missing: GStreamer.* \[SONO_DOCTOR_MISSING\]\n$/);
    expect(code).toBe(5);
  });
});
