import { describe, expect, it } from 'vitest';
import { playTranscript, readTranscript, transcriptNames } from './scenarios/transcripts.ts';

describe('transcripts', () => {
  it.each(transcriptNames())('%s is what happens (after a wanted change: npm run simulate -- --rewrite)', name => {
    const text = readTranscript(name);
    expect(playTranscript(text)).toBe(text);
  });
});
