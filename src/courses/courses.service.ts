import { Injectable, NotFoundException } from '@nestjs/common';
import { databaseAnswers } from '../database/latency.js';
import type { Course } from './course.js';

@Injectable()
export class CoursesService {
  readonly #courses = new Map<string, Course>(
    [
      { id: 'nest-101', title: 'Nest for beginners', seats: 30, taken: 0, open: true },
      { id: 'latin-100', title: 'Latin, the first year', seats: 20, taken: 12, open: true },
      { id: 'latin-200', title: 'Latin, the second year', seats: 2, taken: 2, open: true },
    ].map((course) => [course.id, course]),
  );

  async find(id: string): Promise<Course> {
    await databaseAnswers();
    const course = this.#courses.get(id);
    if (course === undefined) throw new NotFoundException(`There is no course ${id}.`);
    return course;
  }

  async close(id: string): Promise<Course> {
    const course = await this.find(id);
    course.open = false;
    return course;
  }
}
