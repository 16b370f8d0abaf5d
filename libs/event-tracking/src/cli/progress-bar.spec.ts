import { describe, expect, it } from 'vitest';
import { ProgressBar } from './progress-bar.js';

/** What is written to a terminal, or to what is none. */
function streamOf(isTTY: boolean): { stream: NodeJS.WriteStream; written(): string } {
  const texts: string[] = [];
  const stream = { isTTY, write: (text: string) => texts.push(text) };
  return { stream: stream as never, written: () => texts.join('') };
}

describe('ProgressBar', () => {
  it('shows how far work has come, each time in place of what it showed before', () => {
    const { stream, written } = streamOf(true);
    const progress = new ProgressBar(4, stream);
    progress.show(1);
    progress.show(4);
    expect(written()).toBe(
      `\r\x1b[K${'█'.repeat(6)}${'░'.repeat(18)} 1 of 4\r\x1b[K${'█'.repeat(24)} 4 of 4`,
    );
  });

  it('counts where the end is not known', () => {
    const { stream, written } = streamOf(true);
    new ProgressBar(undefined, stream).show(7);
    expect(written()).toBe('\r\x1b[K7');
  });

  it('is gone in the end, and what was said stays', () => {
    const { stream, written } = streamOf(true);
    const progress = new ProgressBar(2, stream);
    progress.show(1);
    progress.say('one failed');
    progress.end();
    expect(written().endsWith('\r\x1b[Kone failed\n\r\x1b[K')).toBe(true);
  });

  it('shows nothing where there is no terminal, and says what is to be said', () => {
    const { stream, written } = streamOf(false);
    const progress = new ProgressBar(2, stream);
    progress.show(1);
    progress.say('one failed');
    progress.end();
    expect(written()).toBe('one failed\n');
  });
});
