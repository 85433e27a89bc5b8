import { systemJournalFiles, type JournalFile, type JournalFiles } from '../../src/embedded/journal-files.ts';

/** The real file system with its calls noted in order, and a switch that makes one kind of call fail. */
export class WatchedFiles implements JournalFiles {
  readonly calls: string[] = [];
  failing: 'write' | 'datasync' | 'truncate' | 'half-write' | undefined;

  async open(path: string, mode: 'read' | 'write' | 'create'): Promise<JournalFile> {
    const file = await systemJournalFiles.open(path, mode);
    return {
      ...file,
      write: async (bytes, position) => {
        this.#meet('write');
        if (this.failing === 'half-write') {
          await file.write(bytes.subarray(0, Math.floor(bytes.length / 2)), position);
          throw new Error('ENOSPC: no space left on device');
        }
        return file.write(bytes, position);
      },
      datasync: async () => {
        this.#meet('datasync');
        await file.datasync();
        this.calls.push('synced');
      },
      truncate: async (size) => {
        this.#meet('truncate');
        await file.truncate(size);
      },
    };
  }

  #meet(call: 'write' | 'datasync' | 'truncate'): void {
    this.calls.push(call);
    if (this.failing === call) throw new Error(`EIO: ${call} failed`);
  }

  list: JournalFiles['list'] = (...args) => systemJournalFiles.list(...args);
  makeFolder: JournalFiles['makeFolder'] = (...args) => systemJournalFiles.makeFolder(...args);
  readText: JournalFiles['readText'] = (...args) => systemJournalFiles.readText(...args);
  replace: JournalFiles['replace'] = (...args) => systemJournalFiles.replace(...args);
  delete: JournalFiles['delete'] = (...args) => systemJournalFiles.delete(...args);
  syncFolder: JournalFiles['syncFolder'] = (...args) => systemJournalFiles.syncFolder(...args);
}
