/** What switches and sliders do something with. */
const ownKeys = /^( |Enter|Arrow.*|Home|End|Page.*)$/;

/** Whether a key press belongs to a field or button rather than to the page. */
export function isTyping(event: KeyboardEvent): boolean {
  const target = event.target;
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement) return true;
  if (event.isComposing || target.isContentEditable) return true;
  if (target instanceof HTMLInputElement) {
    const acts = target.type === 'checkbox' || target.type === 'radio' || target.type === 'range';
    return !acts || ownKeys.test(event.key);
  }
  // Enter and Space press the focused button or link.
  return (
    target.matches('button, a, summary, [role=button], [role=tab], [role=slider]') &&
    (event.key === 'Enter' || event.key === ' ')
  );
}
