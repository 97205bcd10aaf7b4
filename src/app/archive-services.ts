/** The operations on DICOM archives as rows of the server's table. Runs in the main process. */
import { dicomError } from '../dicom/errors.js';
import { withAccess, type ArchiveAccess } from '../dicom/web/access.js';
import { isArchiveUri, withTarget } from '../dicom/web/address.js';
import { ArchiveHttp } from '../dicom/web/http.js';
import { findObjects, isCine } from '../dicom/web/query.js';
import { storeFiles } from '../dicom/web/store.js';
import { findStudies } from '../dicom/web/studies.js';
import type { Projects } from '../projects/projects.js';
import { archiveOperations } from '../protocol/archive-requests.js';
import { defineServices, type Row } from '../server/index.js';
import { parseArchive } from './archives.js';

interface ArchiveServiceOptions {
  /** Addresses without logins. */
  readonly archives: readonly string[];
  readonly access: ArchiveAccess;
  /** Whether viewers may ask this host; rejects with SONO_SOURCE_HOST. */
  readonly checkHost: (host: string, uri: string) => void;
  readonly projects: Projects;
}

export function archiveServices({
  archives,
  access,
  checkHost,
  projects,
}: ArchiveServiceOptions): readonly Row[] {
  /** A login in an address from the page is not taken: it would stand in the page and in the log. */
  const asked = (uri: string): ArchiveHttp => {
    const address = parseArchive(uri);
    checkHost(address.host, address.location);
    return new ArchiveHttp(withAccess({ ...address, login: null }, access));
  };
  return defineServices(archiveOperations, {
    'archive.list': () => ({ archives: [...archives] }),
    'archive.studies': async ({ uri, ...question }, { asker }) => {
      await using http = asked(uri);
      // Awaited here: the connection is given back when this block ends.
      return await findStudies(http, question, asker);
    },
    'archive.cines': async ({ uri, study }, { asker }) => {
      const address = parseArchive(uri);
      await using http = asked(withTarget(address, { kind: 'study', study }).location);
      const objects = await findObjects(http, { study }, asker);
      const cines = objects.filter(isCine);
      return {
        cines: cines.map(({ series, instance, ...about }) => {
          const { modality, seriesDescription, seriesNumber, number, frames, width, height } = about;
          return {
            uri: withTarget(address, { kind: 'instance', study, series, instance }).location,
            ...{ modality, seriesDescription, seriesNumber, number, frames, width, height },
          };
        }),
        others: objects.length - cines.length,
      };
    },
    'archive.store': async ({ uri, project, name }, { asker }) => {
      const { state, exports } = await projects.get(project);
      const target = uri ?? state.uri;
      if (!isArchiveUri(target))
        throw dicomError('SONO_ARCHIVE_ADDRESS', {
          uri: target,
          why: 'the recording does not come from an archive, so say in which one to store',
        });
      await using http = asked(target);
      const files = await exports.files(name, '.dcm');
      await storeFiles(http, files, asker);
      return { stored: files.length, archive: http.name };
    },
  });
}
