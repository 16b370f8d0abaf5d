import { Module } from '@nestjs/common';
import { EventTrackingModule } from 'nestjs-event-tracking';
import { CourseClosed, CourseContext, CourseViewed } from './course.events.js';
import { CoursesController } from './courses.controller.js';
import { CoursesService } from './courses.service.js';

@Module({
  imports: [EventTrackingModule.forFeature([CourseContext, CourseViewed, CourseClosed])],
  controllers: [CoursesController],
  providers: [CoursesService],
  exports: [CoursesService],
})
export class CoursesModule {}
