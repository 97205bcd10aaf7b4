import { describe, expect, it } from 'vitest';
import { projectOperations, projectTransfers } from './project-requests.js';

const mark = { project: 'case-1', prompts: [{ type: 'click', point: [1, 1] }] };

describe('a picture number', () => {
  const { request } = projectOperations['projects.prompt'];

  it.each([0, 7, '0', '7', '100000000'])('is %j', (frame) => {
    expect(request.parse({ ...mark, frame }).frame).toBe(Number(frame));
  });

  it.each([
    null,
    undefined,
    true,
    false,
    '',
    ' ',
    '7 ',
    '1e3',
    '0x7',
    '-1',
    '100000001',
    [],
    [7],
    {},
    1.5,
    -1,
  ])('is not %j', (frame) => {
    expect(request.safeParse({ ...mark, frame }).success).toBe(false);
  });

  it('and other numbers in an address are judged alike', () => {
    const picture = projectTransfers['projects.picture'].request;
    expect(picture.parse({ project: 'case-1', frame: '3', width: '32' })).toMatchObject({
      frame: 3,
      width: 32,
    });
    expect(picture.safeParse({ project: 'case-1', frame: '3', width: ['32'] }).success).toBe(false);
    const lanes = projectOperations['projects.lanes'].request;
    expect(lanes.parse({ project: 'case-1' }).buckets).toBe(800);
    expect(lanes.safeParse({ project: 'case-1', buckets: true }).success).toBe(false);
  });
});

it('a format that is named twice is exported once', () => {
  const { request } = projectOperations['projects.export'];
  const formats = ['csv', 'png', 'csv'];
  expect(request.parse({ project: 'case-1', formats }).formats).toEqual(['csv', 'png']);
});
