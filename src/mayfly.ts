import { connect } from './client/connect.ts';
import type { ConnectOptions } from './client/connect.ts';
import { MayflyHandle } from './client/mayfly-handle.ts';
import { isClustered, loadSettings, refuseUnknownOptions } from './config.ts';
import type { SettingsInput } from './config.ts';
import { InvalidRequest } from './domain/errors.ts';
import { startNode } from './node.ts';

/** Throwaway SQL workspaces: embedded in this process, or on a remote node. */
export class Mayfly extends MayflyHandle {
  /**
   * An embedded node; no server is needed. Settings are those of `mayfly serve`, e.g. `{ dataDir: '.mayfly' }`.
   * @throws InvalidRequest naming the setting; DataDirLocked while another process holds the folder
   */
  static async open(options: SettingsInput = {}): Promise<MayflyHandle> {
    refuseUnknownOptions(options);
    const { settings } = loadSettings({ flags: { logLevel: 'warn', ...options } });
    if (isClustered(settings)) {
      const detail = 'A node of a cluster has to be reached by the others: run `mayfly serve` with these settings, and `Mayfly.connect` to it';
      throw new InvalidRequest(detail, { field: 'redis' });
    }
    const node = await startNode(settings);
    await node.serving;
    return new Mayfly(node.gateway, {
      autoCloseOnCollect: true,
      warn: (message, fields) => node.log.warn(fields, message),
      onClose: (drainMs) => node.drain(drainMs ?? 0),
    });
  }

  /** A remote node or cluster: the same interface, the same errors. */
  static connect(url: string, options: ConnectOptions = {}): Promise<MayflyHandle> {
    return connect(url, options);
  }
}
