/** Names of ONNX Runtime execution providers in the order `auto` tries them. */
export const providerNames = ['cuda', 'tensorrt', 'webgpu', 'cpu'] as const;
export type ProviderName = (typeof providerNames)[number];
