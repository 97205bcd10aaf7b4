/**
 * Formats made of one picture per frame.
 *   png          <clip>/<label>/00000.png            0 / 255, one folder per object
 *   png-indexed  <clip>/indexed/00000.png            palette of DAVIS, index = position of the object
 *   davis        davis/Annotations/480p/<clip>/, davis/JPEGImages/480p/<clip>/, davis/ImageSets/2017/<clip>.txt
 * The folder is called 480p because the field's tools look there; pictures keep their size.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeWhole } from '../node/files.js';
import { exportError } from './errors.js';
import { checkFrame, checkLabelCount, labelMap } from './label-map.js';
import {
  frameName,
  uniqueNames,
  type Exporter,
  type ExporterCheckpoint,
  type ExportFrame,
  type ExportInfo,
} from './exporter.js';
import { PartialFolder, writeError } from './partial.js';
import { davisPalette, encodePng, MaskPngEncoder } from './png-codec.js';

abstract class FolderExporter implements Exporter {
  abstract readonly format: 'png' | 'png-indexed' | 'davis';
  abstract readonly needsPicture: boolean;
  protected info!: ExportInfo;
  protected folders: readonly PartialFolder[] = [];
  #frames = 0;

  protected abstract paths(info: ExportInfo): readonly string[];
  protected abstract write(frame: ExportFrame): Promise<void>;

  async open(info: ExportInfo, resume: ExporterCheckpoint | null): Promise<void> {
    this.info = info;
    this.#frames = Number(resume?.['frames'] ?? 0);
    const folders: PartialFolder[] = [];
    for (const path of this.paths(info)) folders.push(await PartialFolder.open(path, resume !== null));
    this.folders = folders;
  }

  async frame(frame: ExportFrame): Promise<void> {
    checkFrame(frame, this.info, this.format);
    await this.write(frame);
    this.#frames++;
  }

  checkpoint(): Promise<ExporterCheckpoint> {
    return Promise.resolve({ frames: this.#frames });
  }

  async close(): Promise<readonly string[]> {
    const paths: string[] = [];
    for (const folder of this.folders) paths.push(await folder.finish());
    return paths;
  }

  abort(): Promise<void> {
    return Promise.resolve();
  }
}

export class PngExporter extends FolderExporter {
  readonly format = 'png';
  readonly needsPicture = false;
  #encoders: readonly MaskPngEncoder[] = [];

  protected paths(info: ExportInfo): readonly string[] {
    const names = uniqueNames(info.objects);
    return info.objects.map(({ id }) => join(info.directory, info.clip, names.get(id) as string));
  }

  override async open(info: ExportInfo, resume: ExporterCheckpoint | null): Promise<void> {
    await super.open(info, resume);
    const { width, height } = info.source.size;
    // One per object: the masks of a frame are packed side by side.
    this.#encoders = info.objects.map(() => new MaskPngEncoder(width, height));
  }

  protected async write(frame: ExportFrame): Promise<void> {
    const name = `${frameName(frame.sourceFrame)}.png`;
    await Promise.all(
      frame.objects.map(async ({ mask }, index) => {
        const png = await this.#encoders[index]?.encode(mask);
        if (png) await this.folders[index]?.write(name, png);
      }),
    );
  }
}

export class IndexedPngExporter extends FolderExporter {
  readonly format = 'png-indexed';
  readonly needsPicture = false;

  protected paths(info: ExportInfo): readonly string[] {
    checkLabelCount(info, this.format);
    return [join(info.directory, info.clip, 'indexed')];
  }

  protected async write(frame: ExportFrame): Promise<void> {
    const { width, height } = this.info.source.size;
    await this.folders[0]?.write(
      `${frameName(frame.sourceFrame)}.png`,
      await encodePng(labelMap(frame, this.info), width, height, davisPalette),
    );
  }
}

export class DavisExporter extends FolderExporter {
  readonly format = 'davis';
  readonly needsPicture = true;

  protected paths(info: ExportInfo): readonly string[] {
    checkLabelCount(info, this.format);
    return ['Annotations', 'JPEGImages'].map((kind) =>
      join(info.directory, 'davis', kind, '480p', info.clip),
    );
  }

  protected async write(frame: ExportFrame): Promise<void> {
    const { width, height } = this.info.source.size;
    if (frame.picture === null)
      throw exportError('SONO_EXPORT_FRAME', {
        frame: frame.sourceFrame,
        format: this.format,
        reason: 'its picture is missing',
      });
    const name = frameName(frame.sourceFrame);
    await Promise.all([
      this.folders[1]?.write(`${name}.jpg`, frame.picture),
      encodePng(labelMap(frame, this.info), width, height, davisPalette).then((png) =>
        this.folders[0]?.write(`${name}.png`, png),
      ),
    ]);
  }

  override async close(): Promise<readonly string[]> {
    const paths = await super.close();
    const lists = join(this.info.directory, 'davis', 'ImageSets', '2017');
    const path = join(lists, `${this.info.clip}.txt`);
    try {
      await mkdir(lists, { recursive: true });
      await writeWhole(path, `${this.info.clip}\n`);
    } catch (error) {
      throw writeError(path, error);
    }
    return [...paths, path];
  }
}
