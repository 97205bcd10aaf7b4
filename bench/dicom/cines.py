"""The same small cines as several readers see them: which show every picture as it was stored.

    python bench/dicom/cines.py [--json bench/dicom/cines.json]

Needs pydicom, numpy, pillow, SimpleITK, pylibjpeg with its libjpeg, openjpeg and rle plugins, DCMTK's dcmj2pnm and dcmcjpeg on the path, and
this tree built. Each reader is asked as its documents say, with what it does by itself: pydicom's pixels.pixel_array with the palette or window
applied by its functions; dcmj2pnm --all-frames with the file's window; SimpleITK.ReadImage, with the window applied here; dicom-parser as
Cornerstone calls it (frames as bytes, so only where they lie is judged); createDicomProducer of this tree.

right: as many pictures as are whole, each within 3 grey levels on average of the truth. Else what is wrong, in words.
"""
import argparse, importlib.metadata, io, json, os, re, struct, subprocess, sys, tempfile
import numpy as np
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels import apply_color_lut, apply_windowing, convert_color_space, pixel_array
from pydicom.sequence import Sequence
from pydicom.uid import UID, generate_uid
import SimpleITK

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), '..', '..'))
WORK = tempfile.mkdtemp()
N, W, H = 6, 49, 33  # an odd number of bytes in a grey frame


def scene():
    y, x = np.mgrid[0:H, 0:W].astype(float)
    out = np.zeros((N, H, W, 3))
    for i in range(N):
        grey = 60 + 100 * np.exp(-(((x - 12 - 3 * i) / 10) ** 2 + ((y - 18) / 9) ** 2))
        red = np.exp(-(((x - 38) / 6) ** 2 + ((y - 14) / 6) ** 2))
        out[i] = np.stack([grey + 90 * red, grey - 30 * red, grey - 30 * red], -1)
    return np.clip(np.rint(out), 0, 255).astype(np.uint8)


RGB = scene()
GREY = RGB[..., 1]
GREY3 = np.repeat(GREY[..., None], 3, -1)
DEEP = GREY.astype(np.uint16) * 16 + 8
CASES = {}


def case(name, truth, pixels, colour='RGB', samples=3, bits=8, syntax='1.2.840.10008.1.2.1', vr='OB', encapsulated=False,
         stored=None, big_endian=False, **more):
    ds = Dataset()
    ds.SOPClassUID, ds.Modality = '1.2.840.10008.5.1.4.1.1.3.1', 'US'
    ds.SOPInstanceUID, ds.StudyInstanceUID, ds.SeriesInstanceUID = (generate_uid() for _ in range(3))
    ds.PatientName, ds.PatientID = 'Test', '1'
    ds.Rows, ds.Columns, ds.SamplesPerPixel, ds.PhotometricInterpretation = H, W, samples, colour
    if samples == 3:
        ds.PlanarConfiguration = 0
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = (8, 8, 7) if bits == 8 else (16, bits, bits - 1)
    ds.PixelRepresentation, ds.NumberOfFrames, ds.FrameTime, ds.FrameIncrementPointer = 0, N, '40', 0x00181063
    for word, value in more.items():
        setattr(ds, word, value)
    ds.PixelData = pixels + (b'' if encapsulated or len(pixels) % 2 == 0 else b'\0')
    ds['PixelData'].VR = vr
    ds['PixelData'].is_undefined_length = encapsulated
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = UID(syntax)
    ds.file_meta.MediaStorageSOPClassUID, ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPClassUID, ds.SOPInstanceUID
    path = os.path.join(WORK, f'{len(CASES)}.dcm')
    ds.save_as(path, enforce_file_format=True, implicit_vr=False, little_endian=not big_endian)
    CASES[name] = {'path': path, 'truth': truth, 'stored': stored}


def item(data):
    return b'\xfe\xff\x00\xe0' + struct.pack('<I', len(data)) + data


def fragments(parts, table=()):
    even = [part + b'\0' * (len(part) % 2) for part in parts]
    return b''.join([item(struct.pack(f'<{len(table)}I', *table)), *map(item, even)])


def jpegs(pictures, **options):
    out = []
    for picture in pictures:
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, 'JPEG', quality=95, **options)
        out.append(buffer.getvalue())
    return out


def bare(jpeg):
    """Without its JFIF marker."""
    return jpeg[:2] + jpeg[4 + struct.unpack('>H', jpeg[4:6])[0]:]


def make_cases():
    ybr = convert_color_space(RGB, 'RGB', 'YBR_FULL')
    case('RGB by pixel', RGB, RGB.tobytes(), stored=[f.tobytes() for f in RGB])
    case('RGB by plane', RGB, RGB.transpose(0, 3, 1, 2).tobytes(), PlanarConfiguration=1)
    case('YBR_FULL', RGB, ybr.tobytes(), colour='YBR_FULL')
    table = np.arange(256, dtype=np.uint16) * 257
    palette = {f'{c}PaletteColorLookupTableDescriptor': [256, 0, 16] for c in ('Red', 'Green', 'Blue')}
    palette |= {'RedPaletteColorLookupTableData': table.tobytes(), 'GreenPaletteColorLookupTableData': table[::-1].tobytes(),
                'BluePaletteColorLookupTableData': (table // 2).tobytes()}
    case('16-bit palette', np.stack([GREY, 255 - GREY, GREY // 2], -1), GREY.tobytes(), 'PALETTE COLOR', 1, **palette)
    case('12 bits with a window', GREY3, DEEP.tobytes(), 'MONOCHROME2', 1, 12, vr='OW', WindowCenter='2048', WindowWidth='4096')
    case('big endian, odd frames in OW', GREY3, np.frombuffer(GREY.tobytes(), np.uint16).byteswap().tobytes(), 'MONOCHROME2',
         1, syntax='1.2.840.10008.1.2.2', vr='OW', big_endian=True)
    base = {'syntax': '1.2.840.10008.1.2.4.50', 'encapsulated': True}
    plain = jpegs(RGB, subsampling=0)
    even = [part + b'\0' * (len(part) % 2) for part in plain]
    case('JPEG', RGB, fragments(plain), 'YBR_FULL_422', stored=even, **base)
    case('JPEG 4:2:2 called RGB', RGB, fragments([bare(j) for j in jpegs(RGB, subsampling=1)]), 'RGB', **base)
    halves = [part for j in even for part in (j[:200], j[200:])]
    starts = [sum(len(j) + 16 for j in even[:i]) for i in range(N)]
    case('two fragments each, table of offsets', RGB, fragments(halves, starts), 'YBR_FULL_422', stored=even, **base)
    case('two fragments each, no table', RGB, fragments(halves), 'YBR_FULL_422', stored=even, **base)
    case('two fragments each, table 2 bytes off', RGB, fragments(halves, [s + 2 for s in starts]), 'YBR_FULL_422', stored=even, **base)
    case('all frames in one fragment', RGB, fragments([b''.join(even)]), 'YBR_FULL_422', stored=even, **base)
    extended = [sum(len(j) + 8 for j in even[:i]) for i in range(N)]
    case('extended offset table', RGB, fragments(plain), 'YBR_FULL_422', stored=even, ExtendedOffsetTable=struct.pack(f'<{N}Q', *extended),
         ExtendedOffsetTableLengths=struct.pack(f'<{N}Q', *map(len, plain)), **base)
    case('last 4 of 10 frames missing', RGB, fragments(plain), 'YBR_FULL_422', stored=even, NumberOfFrames=10, **base)
    case('uncompressed, last 2 frames missing', RGB[:4], RGB[:4].tobytes(), stored=[f.tobytes() for f in RGB[:4]])
    case('one of 6 frames damaged', np.delete(RGB, 3, 0), fragments([b'\0' * 64 if i == 3 else j for i, j in enumerate(plain)]), 'YBR_FULL_422', **base)
    ds = dcmread(CASES['RGB by pixel']['path'])
    ds.compress('1.2.840.10008.1.2.5', encoding_plugin='pydicom')
    CASES['RLE'] = {'path': WORK + '/rle.dcm', 'truth': RGB, 'stored': None}
    ds.save_as(CASES['RLE']['path'])
    CASES['JPEG of 12 bits'] = {'path': WORK + '/deep.dcm', 'truth': GREY3, 'stored': None}
    subprocess.run(['dcmcjpeg', '+ee', CASES['12 bits with a window']['path'], CASES['JPEG of 12 bits']['path']], check=True)
    region = Dataset()
    region.RegionSpatialFormat, region.RegionDataType, region.RegionFlags = 1, 1, 0
    region.RegionLocationMinX0, region.RegionLocationMinY0, region.RegionLocationMaxX1, region.RegionLocationMaxY1 = 0, 0, W - 1, H - 1
    region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = 3
    region.PhysicalDeltaX = region.PhysicalDeltaY = 0.02
    case('scale from its ultrasound region', RGB, RGB.tobytes(), SequenceOfUltrasoundRegions=Sequence([region]))
    case('times from its vector', RGB, RGB.tobytes(), FrameIncrementPointer=0x00181065, FrameTimeVector=['0', '20', '20', '60', '20', '20'])


def windowed(grey, ds):
    if 'WindowCenter' not in ds:
        return grey
    return np.clip((grey.astype(float) - ds.WindowCenter + 0.5) / (ds.WindowWidth - 1) + 0.5, 0, 1) * 255


def as_rgb(frames):
    frames = np.asarray(frames)
    return frames if frames.ndim == 4 else np.repeat(frames[..., None], 3, -1)


def read_pydicom(path):
    ds = dcmread(path)
    frames = pixel_array(ds)
    if ds.PhotometricInterpretation == 'PALETTE COLOR':
        frames = apply_color_lut(frames, ds) / 257
    elif 'WindowCenter' in ds:
        frames = apply_windowing(frames, ds) / 4095 * 255
    return {'frames': as_rgb(frames)}


def read_sitk(path):
    image = SimpleITK.ReadImage(path)
    frames = SimpleITK.GetArrayFromImage(image)
    if frames.ndim == 4 and frames.dtype == np.uint16:
        frames = frames / 257
    return {'frames': as_rgb(windowed(frames, dcmread(path)) if frames.ndim == 3 else frames), 'spacing': image.GetSpacing()[0], 'times': None}


def read_dcmtk(path):
    out = tempfile.mkdtemp()
    run = subprocess.run(['dcmj2pnm', '+Fa', '+Wi', '1', '+op', path, out + '/f'] if 'WindowCenter' in dcmread(path) else ['dcmj2pnm', '+Fa', '+op', path, out + '/f'],
                         capture_output=True, text=True)
    names = sorted(os.listdir(out), key=lambda name: int(name.split('.')[1]) if name.split('.')[1].isdigit() else 0)
    if not names:
        raise RuntimeError(run.stderr.strip().splitlines()[-1] if run.stderr.strip() else f'exit {run.returncode}')
    return {'frames': as_rgb([np.asarray(Image.open(os.path.join(out, name))) for name in names])}


def node(reader, path):
    run = subprocess.run(['node', os.path.join(ROOT, 'bench/dicom/cines.mjs'), reader, path, WORK + '/raw'], capture_output=True, text=True)
    if run.returncode != 0 or not run.stdout.strip():
        raise RuntimeError(run.stderr.strip().splitlines()[-1] if run.stderr.strip() else f'exit {run.returncode}')
    answer = json.loads(run.stdout.strip().splitlines()[-1])
    if 'error' in answer:
        raise RuntimeError(answer['error'])
    raw = open(WORK + '/raw', 'rb').read()
    parts = [raw[a:b] for a, b in zip(answer['ends'], answer['ends'][1:])]
    return answer, parts


def read_ours(path):
    answer, parts = node('ours', path)
    frames = np.array([np.frombuffer(part, np.uint8).reshape(H, W, 3) for part in parts])
    return {'frames': frames, 'spacing': answer['spacing'], 'times': answer['times']}


def verdict(read, name, truth, error=None):
    frames = read['frames']
    if name.startswith('scale'):
        return 'right' if read.get('spacing') and abs(read['spacing'] - 0.2) < 1e-6 else 'attribute only' if 'spacing' not in read else f'{read["spacing"]} mm'
    if name.startswith('times'):
        return 'right' if read.get('times') == [0, 20, 40, 100, 120, 140] else 'attribute only'
    if len(frames) != len(truth):
        return f'{len(frames)} of {len(truth)} pictures'
    if frames.shape != truth.shape:
        return f'pictures of {frames.shape[1:]}'
    off = np.abs(frames.astype(float) - truth).mean((1, 2, 3))
    return 'right' if off.max() <= 3 else f'{int((off > 3).sum())} pictures wrong (mean {off.max():.0f} levels)'


def judged(name, reader, one):
    try:
        if reader == 'dicom-parser':
            if one['stored'] is None:
                return '–'
            _, parts = node('dicom-parser', one['path'])
            good = [a.rstrip(b'\0') == b.rstrip(b'\0') for a, b in zip(parts, one['stored'])]
            return 'right' if len(good) == len(one['stored']) and all(good) else f'{sum(good)} of {len(one["stored"])} frames'
        return verdict({'pydicom': read_pydicom, 'DCMTK': read_dcmtk, 'SimpleITK': read_sitk, 'sonoscope': read_ours}[reader](one['path']), name, one['truth'])
    except Exception as error:
        words = str(error).strip().splitlines()
        said = re.sub(r' <.*?>|\(0x[0-9a-f]+\)|"?' + re.escape(WORK) + r'/\w+\.dcm"?', '', (words[-1] if words else type(error).__name__))
        return f'refused: {said[:70].strip()}'


if __name__ == '__main__':
    options = argparse.ArgumentParser()
    options.add_argument('--json')
    wanted = options.parse_args()
    make_cases()
    readers = ['sonoscope', 'pydicom', 'DCMTK', 'SimpleITK', 'dicom-parser']
    parser = json.load(open(os.path.join(ROOT, 'node_modules/dicom-parser/package.json')))['version']
    dcmtk = subprocess.run(['dcmj2pnm', '--version'], capture_output=True, text=True).stdout.split(' v')[1].split()[0]
    versions = {'pydicom': importlib.metadata.version('pydicom'), 'DCMTK': dcmtk, 'SimpleITK': importlib.metadata.version('simpleitk'), 'dicom-parser': parser}
    rows = {name: {reader: judged(name, reader, one) for reader in readers} for name, one in CASES.items()}
    print('| cine | ' + ' | '.join(f'{r} {versions.get(r, "")}'.strip() for r in readers) + ' |\n| --- |' + ' --- |' * len(readers))
    for name, row in rows.items():
        print(f'| {name} | ' + ' | '.join(row[r].split(':')[0] for r in readers) + ' |')
    if wanted.json:
        with open(wanted.json, 'w') as file:
            json.dump({'versions': versions, 'cases': rows}, file, indent=2, ensure_ascii=False)
            file.write('\n')
