/** Options that several commands share: who may look (`run`, `demo`, `play`), and how streams are served (`run`, `demo`). */
import { Option, type Command } from 'commander';
import { logLevels } from '../app/logger.js';
import { autoModel, noModel, providerChoices } from '../config/pipeline-file.js';
import { durationMs, positiveNumber, wholeNumber } from './option-values.js';

/** For options that may be repeated. */
export const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];

/** How DICOM archives are asked, for every command that reads from them or stores there. */
export function archiveOptions(command: Command): Command {
  return command
    .option(
      '--archive-logins <file>',
      'logins of DICOM archives, as in .netrc: machine HOST login USER password SECRET',
    )
    .option(
      '--archive-ca <file>',
      'certificate (PEM) of an authority to trust beside those of the system, for archives',
    );
}

/** Who may look, and at what: for every command that serves the page. */
export function accessOptions(command: Command): Command {
  const served = command
    .option(
      '--token-file <file>',
      'file with the access token for viewers, 16 characters or more; also SONO_TOKEN. Generated and printed where one is needed and none is given',
    )
    .option('--token <text>', 'the access token itself; others on this computer may see it for a moment')
    .option(
      '--media-root <dir>',
      'folder whose files may be opened from the page (may be repeated); with a token, the data folder alone otherwise',
      collect,
      [],
    )
    .option(
      '--allow-host <name>',
      'camera or sender that may be opened from the page (may be repeated; "*": any); with a token, those of the pipeline alone otherwise',
      collect,
      [],
    )
    .option(
      '--disk-reserve <GB>',
      'space that uploads leave free for recordings (default: a tenth of the disk, 10 at most)',
      positiveNumber,
    )
    .option(
      '--allow-origin <url>',
      'another site whose pages may connect, for example a Foxglove web app',
      collect,
      [],
    )
    .option(
      '--archive <url>',
      'DICOM archive that the page may search, dicomweb://host/root or orthanc://host (may be repeated); with its login better in SONO_ARCHIVE',
      collect,
      [],
    );
  return archiveOptions(served);
}

/** How streams are served. */
export function liveOptions(command: Command): Command {
  return accessOptions(
    command
      .option('--host <address>', 'address to listen on (default 127.0.0.1; others need a token)')
      .option('--port <n>', 'port to listen on (default 8080; 0: any free one)', wholeNumber(0, 65535)),
  )
    .option('--duration <time>', 'end after this time, for example 20s, 5m, 1h', durationMs)
    .option(
      '--model <name|dir>',
      `model to use for every stream; "${autoModel}": the most accurate that keeps up here; "${noModel}": the picture only`,
    )
    .addOption(new Option('--provider <name>', 'what the model runs on').choices(providerChoices))
    .option('--policy <name>', 'memory policy of the tracker')
    .option('--threads <n>', 'processor threads per model', wholeNumber(1, 64))
    .option('--report <file>', 'write what every stream did as JSON at the end')
    .option('--record <file>', 'record every stream into an MCAP file')
    .addOption(new Option('--log <format>', 'log lines for programs or for people').choices(['json', 'text']))
    .addOption(new Option('--log-level <level>', 'how much to log').choices(logLevels));
}
