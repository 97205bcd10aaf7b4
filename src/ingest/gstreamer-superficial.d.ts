/** Types of the addon gstreamer-superficial 1.7.4, which ships none. Loaded only in the child process of a source. */
declare module 'gstreamer-superficial' {
  /** Every GObject property is an accessor; numbers pass through float32, 64-bit ones read back as strings. */
  export interface Element {
    [property: string]: unknown;
  }
  export interface AppSink extends Element {
    /** One sample; null at end of stream, in state NULL or before play. `caps` is the first structure. */
    pull(callback: (buffer: Buffer | null, caps: Record<string, unknown>) => void): void;
  }
  export interface AppSrc extends Element {
    /** `pts` is 8 bytes big-endian, nanoseconds. Copies the buffer. */
    push(buffer: Buffer, pts?: Buffer): void;
  }
  export interface BusMessage {
    readonly type: string;
    readonly name?: string;
    readonly message?: string;
    readonly debug?: string;
    readonly _src_element_name?: string;
    readonly [field: string]: unknown;
  }
  export class Pipeline {
    constructor(launch: string);
    play(): void;
    pause(): void;
    stop(): void;
    queryPosition(): number;
    sendEOS(): void;
    findChild(name: string): Element | undefined;
    pollBus(callback: (message: BusMessage) => void): void;
  }
}
