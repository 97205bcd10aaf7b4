/** Pictures per second as people read them, wherever they are written: one decimal below ten. */
export function rateText(perSecond: number): string {
  return perSecond.toFixed(perSecond < 9.95 ? 1 : 0);
}
