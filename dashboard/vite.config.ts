/** Build of the dashboard: static files in dashboard/dist, served by the server at `/`. */
import { defineConfig } from 'vite';
import type { Plugin } from 'vite';

interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly callee?: { readonly object?: SyntaxNode; readonly property?: { readonly name?: string } };
}

/**
 * Leaves the descriptions of fields out of the page's copy of `src/protocol`: they are for the document of the HTTP interface, and were
 * a thirtieth of the page's script.
 */
function withoutDescriptions(): Plugin {
  return {
    name: 'without-descriptions',
    enforce: 'post',
    apply: 'build',
    transform(code, id) {
      if (!/\/src\/protocol\/[^/]+\.ts$/.test(id)) return null;
      const calls: [start: number, end: number][] = [];
      const walk = (value: unknown): void => {
        if (typeof value !== 'object' || value === null) return;
        const { type, end, callee } = value as SyntaxNode;
        if (type === 'CallExpression' && callee?.property?.name === 'describe' && callee.object)
          calls.push([callee.object.end, end]);
        for (const part of Object.values(value)) walk(part);
      };
      walk(this.parse(code));
      // From the back, so that places in front of a cut stay right. The calls lie one behind the other, never in each other.
      const kept = calls
        .sort(([a], [b]) => b - a)
        .reduce((text, [start, end]) => text.slice(0, start) + text.slice(end), code);
      return { code: kept, map: null };
    },
  };
}

export default defineConfig({
  base: './',
  plugins: [withoutDescriptions()],
  build: {
    target: 'es2023',
    outDir: 'dist',
    emptyOutDir: true,
    // The picture of the built page must not depend on files from elsewhere.
    modulePreload: { polyfill: false },
  },
  worker: { format: 'es', plugins: () => [withoutDescriptions()] },
  server: { proxy: { '/ws': { target: 'ws://127.0.0.1:8080', ws: true }, '/api': 'http://127.0.0.1:8080' } },
});
