/**
 * coco: <clip>/coco.json, instances with compressed run lengths (pycocotools reads them). One image per frame, one
 * annotation per object and frame on which it is shown, one category per label; beyond COCO: track_id (object id),
 * state and score. Images are collected in a second file until the end, because annotations grow at the same time.
 */
import { join } from 'node:path';
import { maskArea, maskBox, maskToCocoString } from '../mask/rle.js';
import { checkFrame } from './label-map.js';
import {
  frameName,
  type Exporter,
  type ExporterCheckpoint,
  type ExportFrame,
  type ExportInfo,
} from './exporter.js';
import { PartialFile } from './partial.js';

const blockBytes = 1 << 20;

export class CocoExporter implements Exporter {
  readonly format = 'coco';
  readonly needsPicture = false;
  #info!: ExportInfo;
  #file!: PartialFile;
  #images!: PartialFile;
  #annotations = 0;
  #frames = 0;

  async open(info: ExportInfo, resume: ExporterCheckpoint | null): Promise<void> {
    this.#info = info;
    const path = join(info.directory, info.clip, 'coco.json');
    this.#file = await PartialFile.open(path, resume === null ? null : Number(resume['bytes']));
    this.#annotations = Number(resume?.['annotations'] ?? 0);
    this.#frames = Number(resume?.['frames'] ?? 0);
    this.#images = await PartialFile.open(
      `${path}.images`,
      resume === null || this.#file.complete ? null : Number(resume['imageBytes']),
    );
    if (resume === null) await this.#file.append('{"annotations":[');
  }

  async frame(frame: ExportFrame): Promise<void> {
    checkFrame(frame, this.#info, this.format);
    const { width, height } = this.#info.source.size;
    this.#frames++;
    const image = {
      id: this.#frames,
      file_name: `${this.#info.clip}/${frameName(frame.sourceFrame)}.jpg`,
      width,
      height,
      frame_index: frame.sourceFrame,
      pts_ns: frame.ptsNs,
    };
    await this.#images.append(`${this.#frames > 1 ? ',' : ''}\n${JSON.stringify(image)}`);
    let text = '';
    frame.objects.forEach((object, index) => {
      const area = maskArea(object.mask);
      if (area === 0) return;
      text += `${this.#annotations > 0 ? ',' : ''}\n${JSON.stringify({
        id: ++this.#annotations,
        image_id: this.#frames,
        category_id: index + 1,
        segmentation: { size: [height, width], counts: maskToCocoString(object.mask) },
        area,
        bbox: maskBox(object.mask),
        iscrowd: 0,
        track_id: object.id,
        state: object.state,
        score: Number(object.confidence.toFixed(6)),
      })}`;
    });
    if (text !== '') await this.#file.append(text);
  }

  async checkpoint(): Promise<ExporterCheckpoint> {
    return {
      bytes: await this.#file.sync(),
      imageBytes: await this.#images.sync(),
      annotations: this.#annotations,
      frames: this.#frames,
    };
  }

  async close(): Promise<readonly string[]> {
    if (!this.#file.complete) {
      await this.#file.append('\n],\n"images":[');
      for (let at = 0; at < this.#images.position; at += blockBytes)
        await this.#file.append(
          await this.#images.read(at, Math.min(blockBytes, this.#images.position - at)),
        );
      const { clip, objects, software, sourceUri } = this.#info;
      const categories = objects.map(({ label }, index) => ({
        id: index + 1,
        name: label,
        supercategory: '',
      }));
      const details = {
        description: `sonoscope masks of ${clip}`,
        version: software.version,
        model: software.model,
        model_sha256: software.modelSha256,
        source: sourceUri,
      };
      await this.#file.append(
        `\n],\n"categories":${JSON.stringify(categories)},\n"licenses":[],\n"info":${JSON.stringify(details)}}\n`,
      );
    }
    const path = await this.#file.finish();
    await this.#images.discard();
    return [path];
  }

  async abort(): Promise<void> {
    await this.#file.close();
    await this.#images?.close();
  }
}
