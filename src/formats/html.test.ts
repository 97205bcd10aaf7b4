import { describe, expect, it } from 'vitest';
import { htmlDocument, markup, raw } from './html.js';

describe('markup', () => {
  it('escapes what is put in, in text and in attributes', () => {
    const name = `<img src=x onerror="alert('1')"> & co`;
    const safe = '&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt; &amp; co';
    expect(markup`<b title="${name}">${name}</b>`.text).toBe(`<b title="${safe}">${safe}</b>`);
    expect(htmlDocument(name, 'b > i { }', markup`<p>${1}</p>`)).toContain(`<title>${safe}</title>`);
  });

  it('takes over what it made itself, joins lists and leaves null out', () => {
    const rows = ['a', '<'].map((text) => markup`<li>${text}</li>`);
    expect(markup`<ul>${rows}</ul>${null}${['x', ['&', raw('<br>')]]}`.text).toBe(
      '<ul><li>a</li><li>&lt;</li></ul>x&amp;<br>',
    );
  });
});
