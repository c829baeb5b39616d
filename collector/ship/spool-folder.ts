// The folder of the spool: where it is unless told otherwise.
// Whether it may be used is own-folder.ts's, what its files hold spool.ts's.
import { type OwnFolder, openOwnFolder, whereThereIsPlace } from "./own-folder.ts";

/** systemd's StateDirectory=tidemark makes the folder above it. */
export const SPOOL_FOLDER_DEFAULT = "/var/lib/tidemark/spool";

/** The folder a collector uses when none is set. */
export const defaultSpoolFolder = (): string | null => whereThereIsPlace(SPOOL_FOLDER_DEFAULT);

export const openSpoolFolder = (folder: string): OwnFolder => openOwnFolder(folder, "spool");
