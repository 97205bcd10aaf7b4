/** The MCAP channel of one of the wire's protobuf messages. Pure. */
import { channelSchemas, fileDescriptorSet, type ChannelKind } from '../protocol/channels.js';
import type { ChannelDefinition } from './mcap-writer.js';

export function protobufChannel(topic: string, kind: ChannelKind): ChannelDefinition {
  const schema = channelSchemas[kind];
  return {
    topic,
    messageEncoding: 'protobuf',
    schema: { name: schema.typeName, encoding: 'protobuf', data: fileDescriptorSet(schema) },
  };
}
