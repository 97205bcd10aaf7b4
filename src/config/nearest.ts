/** Finds the valid word that a person most likely meant. Pure. */

/** Edit distance (Levenshtein) between two words, case-insensitive. */
function editDistance(a: string, b: string): number {
  const from = a.toLowerCase();
  const to = b.toLowerCase();
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const substitute = (row[j - 1] as number) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(substitute, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[to.length] as number;
}

/** The candidate closest to `word`; letters that only one of the two has more count little ("limit" means "limitMs"). */
export function nearest(word: string, candidates: readonly string[]): string {
  const distance = (candidate: string): number => {
    const [a, b] = [word.toLowerCase(), candidate.toLowerCase()];
    const contained = a.length > 2 && b.length > 2 && (a.includes(b) || b.includes(a));
    return editDistance(a, b) / (contained ? 4 : 1);
  };
  return candidates.reduce(
    (best, candidate) => (distance(candidate) < distance(best) ? candidate : best),
    candidates[0] ?? '',
  );
}
