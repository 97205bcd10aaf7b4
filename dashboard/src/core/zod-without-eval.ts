/**
 * The page's content security policy forbids code made at run time; unless told not to, zod tries, and the browser's
 * console complains. Imported first by the page and by the painting worker, before any schema is used.
 */
import { config } from 'zod';

config({ jitless: true });
