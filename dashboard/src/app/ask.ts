/** Short questions in a dialog: some fields, one button that answers. */
import { limits } from '../../../src/protocol/requests.js';
import { openDialog } from './dialog.js';
import { h, setText } from './dom.js';
import { icon } from './icons.js';
import { t } from '../core/texts.js';
import { sentenceOf } from './toast.js';

/** A line for what went wrong, read aloud; hidden while it says nothing. */
export function problemLine(): { readonly element: HTMLElement; readonly say: (sentence: string) => void } {
  const text = h('span', {});
  const element = h('p', { class: 'field-error', role: 'alert', hidden: true }, icon('alarm'), text);
  return {
    element,
    say: (sentence) => {
      element.hidden = sentence === '';
      setText(text, sentence);
    },
  };
}

/**
 * `onAnswer` may refuse by rejecting: the dialog then stays and says why. `isAnswer`: whether there is something to answer with.
 */
export function ask(
  title: string,
  action: string,
  content: readonly HTMLElement[],
  onAnswer: () => unknown,
  isAnswer: () => boolean = () => true,
): void {
  const submit = h('button', { class: 'button primary', type: 'submit' }, action);
  const problem = problemLine();
  const form = h('form', { class: 'field' }, ...content, problem.element, submit);
  form.addEventListener('change', () => (submit.disabled = !isAnswer()));
  const close = openDialog(title, [form]);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    submit.disabled = true;
    problem.say('');
    Promise.resolve()
      .then(onAnswer)
      .then(close, (error: unknown) => problem.say(sentenceOf(error)))
      .finally(() => (submit.disabled = false));
  });
}

export function askName(label: string, onName: (name: string) => unknown): void {
  const field = h('input', {
    type: 'text',
    value: label,
    maxlength: limits.labelCharacters,
    required: true,
    'aria-label': t('Name'),
  });
  ask(t('Rename'), t('Rename'), [field], () => onName(field.value));
  field.select();
}
