// The folder of the black box: where it is unless told otherwise, and the files in it.
// Whether it may be used is ship/own-folder.ts's, what the files hold blocks.ts's, which of them are kept ring.ts's.
import { type OwnFolder, openOwnFolder, whereThereIsPlace } from "../ship/own-folder.ts";

/** systemd's StateDirectory=tidemark makes the folder above it. */
export const BLACK_BOX_FOLDER_DEFAULT = "/var/lib/tidemark/black-box";

/** The folder a collector uses when none is set. */
export const defaultBlackBoxFolder = (): string | null => whereThereIsPlace(BLACK_BOX_FOLDER_DEFAULT);

export const openBlackBoxFolder = (folder: string): OwnFolder => openOwnFolder(folder, "black box");
