/** The table of a run that stands beside the folders of its clips: no clip may be called so. Pure. */
export const echoSummaryName = 'echo-summary.csv';
