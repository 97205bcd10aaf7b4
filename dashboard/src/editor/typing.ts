/** Whether a key press belongs to a field or button rather than to the page. */
export function isTyping(event: KeyboardEvent): boolean {
  const target = event.target;
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement) return true;
  if (target instanceof HTMLInputElement) {
    const acts = target.type === 'checkbox' || target.type === 'radio' || target.type === 'range';
    return !acts || event.key.startsWith('Arrow') || event.key === ' ';
  }
  // Enter and Space press the focused button or link.
  return (
    (target instanceof HTMLButtonElement || target instanceof HTMLAnchorElement) &&
    (event.key === 'Enter' || event.key === ' ')
  );
}
