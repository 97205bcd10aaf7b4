/** Opens a data set by its kind. */
import { isFolder, wrongLayout, type Dataset, type DatasetKind, type DatasetOptions } from './dataset.js';
import { openCamus } from './camus.js';
import { openCholecSeg8k } from './cholecseg8k.js';
import { openDavis } from './davis.js';
import { openEchonet } from './echonet.js';
import { openEndovis2017, openEndovis2018 } from './endovis.js';
import { openFolder, openVocalFolds } from './folder.js';
import { openJson } from './json.js';
import { openSyntheticEcho } from './synthetic-echo.js';

/** Throws SONO_DATASET_ROOT, saying which layout was expected and what is there. Clips are read only when opened. */
export function openDataset(kind: DatasetKind, root: string, options: DatasetOptions): Dataset {
  if (kind !== 'json' && kind !== 'synthetic-echo' && !isFolder(root))
    throw wrongLayout(kind, root, 'a folder');
  switch (kind) {
    case 'folder':
      return openFolder(root);
    case 'vocalfolds':
      return openVocalFolds(root);
    case 'davis2016':
    case 'davis2017':
      return openDavis(kind, root, options.subset);
    case 'endovis2017':
      return openEndovis2017(root, options);
    case 'endovis2018':
      return openEndovis2018(root, options);
    case 'echonet':
      return openEchonet(root, options.subset);
    case 'camus':
      return openCamus(root, options.subset);
    case 'synthetic-echo':
      return openSyntheticEcho(options.scenes);
    case 'cholecseg8k':
      return openCholecSeg8k(root);
    case 'json':
      return openJson(root);
  }
}
