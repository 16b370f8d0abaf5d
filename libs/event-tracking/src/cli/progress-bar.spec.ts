import { describe, expect, it } from 'vitest';
import { ProgressBar } from './progress-bar.js';

/** A stream that records its output and may be a terminal. */
function streamOf(isTTY: boolean): { stream: NodeJS.WriteStream; written(): string } {
  const texts: string[] = [];
  const stream = { isTTY, write: (text: string) => texts.push(text) };
  return { stream: stream as never, written: () => texts.join('') };
}

describe('ProgressBar', () => {
  it('replaces the previous bar on a terminal', () => {
    const { stream, written } = streamOf(true);
    const progress = new ProgressBar(4, stream);
    progress.show(1);
    progress.show(4);
    expect(written()).toBe(
      `\r\x1b[K${'█'.repeat(6)}${'░'.repeat(18)} 1 of 4\r\x1b[K${'█'.repeat(24)} 4 of 4`,
    );
  });

  it('shows a count if the total is unknown', () => {
    const { stream, written } = streamOf(true);
    new ProgressBar(undefined, stream).show(7);
    expect(written()).toBe('\r\x1b[K7');
  });

  it('keeps printed lines when it is cleared', () => {
    const { stream, written } = streamOf(true);
    const progress = new ProgressBar(2, stream);
    progress.show(1);
    progress.print('one failed');
    progress.clear();
    expect(written().endsWith('\r\x1b[Kone failed\n\r\x1b[K')).toBe(true);
  });

  it('writes only printed lines to a stream that is not a terminal', () => {
    const { stream, written } = streamOf(false);
    const progress = new ProgressBar(2, stream);
    progress.show(1);
    progress.print('one failed');
    progress.clear();
    expect(written()).toBe('one failed\n');
  });
});
