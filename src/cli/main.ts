/** The program's command line. Finds the command, loads it alone, and turns every failure into one sentence and an exit code. */
import { Command, CommanderError, type Option } from 'commander';
import { SonoError } from '../vocabulary/errors.js';
import { commands } from './commands.js';
import { oneLine } from '../vocabulary/one-line.js';
import { exitProcess } from '../node/process-exit.js';
import { holdsSecret, redactText } from '../node/redact.js';
import { cliError } from '../app/errors.js';
import { listenForTheUncaught } from '../app/last-resort.js';
import { listenForStop } from '../app/signals.js';
import { programVersion } from '../app/versions.js';

async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('sonoscope')
    .description(
      'Outlines that follow tools, organs and chambers in live surgical and ultrasound video. Research use only.',
    )
    .version(programVersion())
    .exitOverride()
    .configureOutput({
      outputError: (text, write) => write(`${refusal(text)}\n`),
    })
    .configureHelp({ optionDescription: describeOption })
    .addHelpText(
      'after',
      '\nOf "./sonoscope" itself:\n  train           train the model\n  test            every check and every test\n\n' +
        '"./sonoscope COMMAND --help" tells more.',
    )
    .showSuggestionAfterError();
  hideArguments(argv);
  const wanted = argv.find((argument) => !argument.startsWith('-'));
  const named = wanted === 'help' ? argv[argv.indexOf(wanted) + 1] : wanted;
  if (commands.some(({ name, stops }) => name === named && stops)) listenForStop();
  for (const entry of commands) {
    const command = program.command(entry.name).description(entry.summary);
    if (entry.name === named) (await entry.load()).configure(command);
  }
  await program.parseAsync([...argv], { from: 'user' });
}

/**
 * Everybody on this machine can read command lines in the list of processes. Setting the title makes Linux show it instead of the
 * arguments, so secrets are visible only for the first moments.
 */
function hideArguments(argv: readonly string[]): void {
  const isSecret = argv.some(
    (argument) => /^--token(=|$)/.test(argument) || holdsSecret(argument.replace(/^--[a-z-]+=/, '')),
  );
  if (isSecret)
    process.title = `sonoscope ${argv.find((argument) => !argument.startsWith('-')) ?? ''}`.trim();
}

/** Commander's refusal as every other one: one line with a code. */
function refusal(text: string): string {
  return `sonoscope: ${oneLine(
    redactText(
      text
        .replace(/^error: /, '')
        .trim()
        .replace(/\s+/g, ' '),
    ),
  )} [${usageCode}]`;
}

const usageCode = cliError('SONO_USAGE').code;

/** Commander's description of an option, without a default that tells nothing (false, or an empty list). */
function describeOption(option: Option): string {
  const { argChoices, description } = option;
  const defaultValue = option.defaultValue as string | number | boolean | readonly string[] | undefined;
  const silent =
    defaultValue === undefined ||
    defaultValue === false ||
    (Array.isArray(defaultValue) && defaultValue.length === 0);
  const notes = [
    ...(argChoices ? [`choices: ${argChoices.join(', ')}`] : []),
    ...(silent ? [] : [`default: ${String(defaultValue)}`]),
  ];
  return notes.length === 0 ? description : `${description} (${notes.join('; ')})`;
}

/** Prints one sentence for people (and, with SONO_DEBUG, the cause) and gives the exit code. */
function explain(error: unknown): number {
  if (error instanceof CommanderError) {
    // Help and version are no errors; the rest has been printed by commander.
    return error.exitCode === 0 ? 0 : 2;
  }
  const known =
    error instanceof SonoError
      ? (error as SonoError)
      : cliError(
          'SONO_UNEXPECTED',
          { reason: error instanceof Error ? error.message : String(error) },
          error,
        );
  process.stderr.write(`sonoscope: ${oneLine(redactText(known.message))} [${known.code}]\n`);
  const unexpected = !(error instanceof SonoError);
  if (unexpected || process.env['SONO_DEBUG']) {
    for (let cause: unknown = unexpected ? error : known.cause; cause; cause = cause.cause) {
      process.stderr.write(
        `${redactText(cause instanceof Error ? (cause.stack ?? cause.message) : JSON.stringify(cause))}\n`,
      );
      if (!(cause instanceof Error)) break;
    }
  }
  return known.definition.exitCode;
}

listenForTheUncaught((error) => void exitProcess(explain(error)));
// End explicitly: native libraries keep threads and handles open after the command has finished.
main(process.argv.slice(2)).then(
  () => exitProcess(Number(process.exitCode ?? 0)),
  (error: unknown) => exitProcess(explain(error)),
);
