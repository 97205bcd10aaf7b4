import { describe, expect, it } from 'vitest';
import { isArchiveUri, parseArchiveUri, withTarget } from './address.js';
import { splitLogin, withAccess } from './access.js';

const parse = (text: string) => parseArchiveUri(text, (why) => new Error(why));
const orthancId = '160301db-900081a5-6c649bc4-f5829fcd-c743f3dd';

describe('addresses of archives', () => {
  it('tell root, target, host and login apart', () => {
    const address = parse('DICOMweb://nurse:s%2Fcr%3At@PACS:8042/a/b/studies/1.2/series/3.4/instances/5.6');
    expect(address).toEqual({
      location: 'dicomweb://pacs:8042/a/b/studies/1.2/series/3.4/instances/5.6',
      service: 'http://pacs:8042/a/b',
      orthanc: null,
      host: 'pacs',
      hostAndPort: 'pacs:8042',
      login: { user: 'nurse', password: 's/cr:t' },
      trusted: null,
      target: { kind: 'instance', study: '1.2', series: '3.4', instance: '5.6' },
    });
  });

  it.each([
    ['dicomweb://pacs/root', 'http://pacs:80/root', 'dicomweb://pacs/root'],
    ['dicomweb://pacs:80/root/', 'http://pacs:80/root', 'dicomweb://pacs/root'],
    ['dicomwebs://pacs/root', 'https://pacs:443/root', 'dicomwebs://pacs/root'],
    ['dicomweb+https://pacs:8443', 'https://pacs:8443', 'dicomwebs://pacs:8443'],
    ['dicomweb://[::1]:8042/root', 'http://[::1]:8042/root', 'dicomweb://[::1]:8042/root'],
    ['orthanc://pacs', 'http://pacs:8042/dicom-web', 'orthanc://pacs'],
    ['orthanc://pacs/dicom-web', 'http://pacs:8042/dicom-web', 'orthanc://pacs'],
    ['orthanc+https://pacs/o/', 'https://pacs:8042/o/dicom-web', 'orthancs://pacs/o'],
  ])('%s asks %s', (text, service, location) => {
    expect(parse(text)).toMatchObject({ service, location, target: { kind: 'archive' } });
  });

  it("takes Orthanc's own identifiers", () => {
    expect(parse(`orthanc://pacs/instances/${orthancId}`)).toMatchObject({
      orthanc: 'http://pacs:8042',
      target: { kind: 'orthanc', level: 'instances', id: orthancId },
    });
    expect(() => parse(`dicomweb://pacs/studies/${orthancId}`)).toThrow('not a DICOM identifier');
  });

  it.each([
    'dicomweb://',
    'dicomweb:///studies/1.2',
    'dicomweb://pacs:99999/x',
    'dicomweb://pacs/studies/1.2/instances/3',
    'dicomweb://pacs/studies/1.2/series/../instances/1.2',
    'dicomweb://pacs/studies/1.2/series/1.3/instances/1.4/frames/1',
    'dicomweb://pacs/studies/x',
    `dicomweb://pacs/studies/${'1'.repeat(65)}`,
    'dicomweb://pacs/root?x=1',
    'dicomweb://pacs/root#x',
  ])('refuses %s', (text) => {
    expect(isArchiveUri(text)).toBe(true);
    expect(() => parse(text)).toThrow();
  });

  it('go on with another target', () => {
    const study = parse('dicomweb://pacs/root/studies/1.2');
    const cine = withTarget(study, { kind: 'instance', study: '1.2', series: '3', instance: '4' });
    expect(cine.location).toBe('dicomweb://pacs/root/studies/1.2/series/3/instances/4');
    expect(parse(cine.location)).toEqual(cine);
  });
});

describe('logins', () => {
  const access = {
    logins: [
      { machine: 'pacs', login: { user: 'any', password: 'port' } },
      { machine: 'pacs:8042', login: { user: 'this', password: 'port' } },
    ],
    trusted: null,
  };

  it('belong to their host, and to its port where that is named', () => {
    expect(withAccess(parse('orthanc://pacs'), access).login?.user).toBe('this');
    expect(withAccess(parse('dicomweb://pacs/x'), access).login?.user).toBe('any');
    expect(withAccess(parse('dicomweb://pacs.evil.example/x'), access).login).toBeNull();
    expect(withAccess(parse('dicomweb://own:login@pacs/x'), access).login?.user).toBe('own');
  });

  it('leave the address', () => {
    const wrong = (why: string): Error => new Error(why);
    expect(splitLogin('dicomweb://u:p@pacs/x/studies/1.2', wrong)).toEqual({
      uri: 'dicomweb://pacs/x/studies/1.2',
      logins: [{ machine: 'pacs:80', login: { user: 'u', password: 'p' } }],
    });
    expect(splitLogin('rtsp://u:p@cam/live', wrong)).toEqual({ uri: 'rtsp://u:p@cam/live', logins: [] });
  });
});
